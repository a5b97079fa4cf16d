// passport-openidconnect, as the developers' page says. It sends no challenge: its client is registered with --no-pkce.
import express from "express";
import session from "express-session";

// BLOCK passport

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
app.get("/callback", passport.authenticate("openidconnect", { successRedirect: "/" }));
app.listen(Number(process.env.PORT), "localhost");
