import { parser } from "@prometheus-io/lezer-promql";

/** What an expression asks for. */
export interface Asked {
  readonly metric: string;
  /** Labels that it matches, with the values that it wants exactly. */
  readonly labels: Readonly<Record<string, string | undefined>>;
}

/** Grafana's own, as a duration that PromQL knows. */
const withDurations = (expr: string) => expr.replaceAll("$__rate_interval", "5m");

/** The metrics that a PromQL expression asks for. Raises SyntaxError where it is none. */
export function askedBy(expr: string): Asked[] {
  const text = withDurations(expr);
  const asked: Asked[] = [];
  let labels: Record<string, string | undefined> = {};
  parser.parse(text).iterate({
    enter({ name, type, from, to, node }) {
      if (type.isError) {
        throw new SyntaxError(`${text.slice(0, from)}«${text.slice(from, to)}» in ${text}`);
      }
      if (name === "VectorSelector") {
        labels = {};
        const identifier = node.getChild("Identifier");
        if (identifier === null) throw new SyntaxError(`a selector without a metric in ${text}`);
        asked.push({ metric: text.slice(identifier.from, identifier.to), labels });
      }
      if (name === "UnquotedLabelMatcher") {
        const [label = "", operator, ...value] = text.slice(from, to).split(/(=~|!~|!=|=)/);
        labels[label.trim()] = operator === "=" ? value.join("").trim().slice(1, -1) : undefined;
      }
    },
  });
  if (asked.length === 0 && !/^vector\(/.test(text)) throw new SyntaxError(`no metric in ${text}`);
  return asked;
}

/** Labels that an expression groups by. */
export function groupedBy(expr: string): string[] {
  const text = withDurations(expr);
  const labels: string[] = [];
  parser.parse(text).iterate({
    enter({ name, from, to }) {
      if (name === "GroupingLabels") {
        labels.push(...text.slice(from, to).replace(/[()]/g, "").split(","));
      }
    },
  });
  return [...new Set(labels.map((label) => label.trim()).filter((label) => label !== ""))];
}
