import { type Setting, settingsTable } from "@fieldlog/runtime";

const BEGIN = "<!-- settings: written by npm run deploy:check -- --write -->";
const END = "<!-- end of settings -->";

/** What each setting does, as a table for people; from the table that the services read. */
export function settingsDoc(): string {
  const rows = (Object.values(settingsTable) as Setting<unknown>[]).map((setting) => {
    const { name, unit, fallback, fallbackDoc, doc, type, secret } = setting;
    const value = fallbackDoc ?? (fallback === undefined || fallback === "" ? "none" : `\`${fallback}\``);
    const cells = [
      `\`${name}\``,
      unit ? `${value} ${unit}` : value,
      `${doc} ${secret ? "Secret. " : ""}(${type})`,
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return ["| setting | default | what it does |", "| --- | --- | --- |", ...rows].join("\n");
}

/** The text with a current table between its marks. Throws where it has no marks. */
export function withSettings(text: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`deploy/README.md lacks ${BEGIN} or ${END}`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${settingsDoc()}\n\n${text.slice(end)}`;
}

/** Whether the table in it is current; how wide its columns are does not matter. */
export function hasCurrentSettings(text: string): boolean {
  const plain = (one: string) => one.replace(/ *\| */g, "|").replace(/-{3,}/g, "---");
  return plain(text) === plain(withSettings(text));
}
