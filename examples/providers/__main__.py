"""``python -m examples.providers --port 8100``: the control page there, the providers at the ports that follow."""

import argparse
import itertools
import signal

from examples.providers.providers import PORTAL, Providers

ENDS = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    """Serve until told to end, or only say what the portal needs to know."""
    parser = argparse.ArgumentParser(prog="python -m examples.providers", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=8100, help="of the control page, the providers follow; 0: free ones"
    )
    parser.add_argument("--portal", default=PORTAL, help="the portal's address, to which people are sent back")
    parser.add_argument("--environment", action="store_true", help="only print the portal's variables for them")
    options = parser.parse_args()
    ports = itertools.count(options.port) if options.port else itertools.repeat(0)
    providers = Providers(options.portal.rstrip("/"), lambda: next(ports))
    if options.environment:
        print("\n".join(f"{name}={value}" for name, value in providers.environment.items()))
        return
    # Threads inherit it, so that the signal comes to the one that waits for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    with providers:
        print(f"control   {providers.control.url}")
        for provider in providers.all.values():
            print(f"{provider.name:<9} {', '.join(site.url for site in provider.sites.values())}", flush=True)
        signal.sigwait(ENDS)


if __name__ == "__main__":
    main()
