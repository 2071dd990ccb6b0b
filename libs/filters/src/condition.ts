import type { registry } from "@fieldlog/contracts";
import { type Facts, keyOf } from "./facts.js";

export const OPERATORS = ["=", "!=", "<", "<=", ">", ">="] as const;
export type Operator = (typeof OPERATORS)[number];

/** Numbers are compared as numbers; where one side is none, only equality is told. An absent field meets nothing. */
export function conditionTest({ field, operator, operand }: registry.Condition): (event: Facts) => boolean {
  const wanted = keyOf(operand);
  const holds = comparison(operator, wanted);
  return (event) => {
    const held = event.key(field);
    return held !== undefined && holds(held);
  };
}

function comparison(operator: string, wanted: number | string): (held: number | string) => boolean {
  if (operator === "=") return (held) => held === wanted;
  if (operator === "!=") return (held) => held !== wanted;
  if (typeof wanted === "string") return () => false;
  const isNumber = (held: number | string) => typeof held === "number";
  switch (operator) {
    case "<":
      return (held) => isNumber(held) && held < wanted;
    case "<=":
      return (held) => isNumber(held) && held <= wanted;
    case ">":
      return (held) => isNumber(held) && held > wanted;
    case ">=":
      return (held) => isNumber(held) && held >= wanted;
    default:
      return () => false;
  }
}
