// For deploy/fuzz: what reads bytes of others.
export { faultOf, fill } from "./sorting/pattern.js";
export { Unreadable, unpacked } from "./storage/packed.js";
