// Auth.js in Express, as the developers' page says.
import express from "express";
import { getSession } from "@auth/express";

const app = express();

// BLOCK authjs

app.get("/", async (request, response) => {
  const user = (await getSession(request, { secret: process.env.SESSION_SECRET, trustHost: true, basePath: "/auth", providers: [] }))?.user;
  response.send(user ? `<p>${user.email}</p><p>${user.name}</p>` : '<a href="/auth/signin">Log in</a>');
});
app.listen(Number(process.env.PORT), "localhost");
