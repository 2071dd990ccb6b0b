export { number, wholeNumber } from "./number.js";
