// passport-openidconnect, set up as its documentation says. It sends no challenge: its client is registered with --no-pkce.
import express from "express";
import session from "express-session";
import passport from "passport";
import OpenIDConnectStrategy from "passport-openidconnect";

const [issuer, clientID, clientSecret, port] = process.argv.slice(2);
passport.use(new OpenIDConnectStrategy({
  issuer,
  authorizationURL: `${issuer}/api/oauth/authorize`,
  tokenURL: `${issuer}/api/oauth/token`,
  userInfoURL: `${issuer}/api/oauth/userinfo`,
  clientID,
  clientSecret,
  callbackURL: `http://localhost:${port}/callback`,
  scope: ["profile", "email"],
}, (_, profile, done) => done(null, profile)));
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ secret: "of a test", resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get("/", (request, response) => {
  const { user } = request;
  response.send(user ? `<p>${user.emails[0].value}</p><p>${user.displayName}</p>` : '<a href="/login">Log in</a>');
});
app.get("/login", passport.authenticate("openidconnect"));
app.get("/callback", passport.authenticate("openidconnect", { failureRedirect: "/login" }), (_, response) => response.redirect("/"));
app.listen(Number(port), "localhost");
