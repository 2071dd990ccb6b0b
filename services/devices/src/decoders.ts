// For deploy/fuzz: what reads bytes of others.
export { jsonObject } from "./decisions/json-object.js";
export { conditionsIn, jsonPathOf } from "./fleet/conditions.js";
export { difference, merged, propertiesIn } from "./properties/json.js";
