export {
  type Bounds,
  boundsOf,
  GEOCELL_BITS,
  geocellNumber,
  geocellOf,
  geocellText,
  isGeocell,
  numbersIn,
} from "./geocell.js";
