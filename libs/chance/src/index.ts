export { type Chance, seeded } from "./chance.js";
