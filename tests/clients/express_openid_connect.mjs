// express-openid-connect, set up as its documentation says.
import express from "express";
import openid from "express-openid-connect";

const [issuerBaseURL, clientID, clientSecret, port] = process.argv.slice(2);
const app = express();
app.use(openid.auth({
  issuerBaseURL,
  baseURL: `http://localhost:${port}`,
  clientID,
  clientSecret,
  secret: "a long enough secret of a test, which protects nothing",
  authRequired: false,
  idpLogout: true,
  authorizationParams: { response_type: "code", scope: "openid profile email" },
}));
app.get("/", (request, response) => {
  const { user } = request.oidc;
  response.send(user ? `<p>${user.email}</p><p>${user.name}</p><a href="/logout">Log out</a>` : '<a href="/login">Log in</a>');
});
app.listen(Number(port), "localhost");
