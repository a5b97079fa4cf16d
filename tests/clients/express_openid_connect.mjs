// express-openid-connect, as the developers' page says.
import express from "express";

const app = express();

// BLOCK express-openid-connect

app.get("/", (request, response) => {
  const { user } = request.oidc;
  response.send(user ? `<p>${user.email}</p><p>${user.name}</p><a href="/logout">Log out</a>` : '<a href="/login">Log in</a>');
});
app.listen(Number(process.env.PORT), "localhost");
