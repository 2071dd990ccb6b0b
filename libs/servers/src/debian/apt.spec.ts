import { expect, it } from "vitest";
import { mirrorsIn } from "./apt.js";

it("finds the machine's own mirror of Debian in source lists of both formats", () => {
  const lists = `
Types: deb
URIs: https://mirror.example/debian/
Suites: bookworm bookworm-updates
# deb http://commented.example/debian bookworm main
deb [signed-by=/usr/share/keyrings/x.gpg] http://old.example/debian bookworm main
deb http://old.example/debian bookworm-updates main
deb-src http://sources.example/debian bookworm main
URIs: http://security.example/debian-security
deb https://packages.example/apt stable main`;
  expect(mirrorsIn(lists)).toEqual(["https://mirror.example/debian", "http://old.example/debian"]);
});
