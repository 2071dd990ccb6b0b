// Draws what a terminal showed as an SVG: node deploy/local/picture.mjs < captured.txt > deploy/local/demo.svg
// The picture in the README is a run of `npm start -- --demo`, captured with its colours and not edited.
import { text } from "node:stream/consumers";
import { stripVTControlCharacters, styleText } from "node:util";

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal begin with one
const COLOUR = /\x1b\[([\d;]*)m/;
const WIDTH = 122;
const LINE = 19;
const CHAR = 8.43;
const PALETTE = { 1: "#ffffff", 2: "#8b949e", 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 36: "#79c0ff" };

const captured = (await text(process.stdin)).replaceAll("\r", "").trimEnd();
const lines = captured.split("\n");
const height = lines.length * LINE + 52;
const width = Math.ceil(WIDTH * CHAR) + 32;
const rows = lines.map(
  (line, i) => `<text x="16" y="${i * LINE + 54}" xml:space="preserve">${spans(line)}</text>`,
);

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A terminal in which Fieldlog starts, and earthquakes and weather arrive">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${["#ff5f57", "#febc2e", "#28c840"].map((fill, i) => `<circle cx="${22 + i * 20}" cy="20" r="6" fill="${fill}"/>`).join("")}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#c9d1d9">
${rows.join("\n")}
</g>
</svg>
`);
process.stderr.write(styleText("dim", `${lines.length} lines, at most ${WIDTH} characters each are shown\n`));

/** One line's text in its colours. */
function spans(line) {
  const parts = line.split(COLOUR);
  let fill;
  let shown = 0;
  return parts
    .map((part, i) => {
      if (i % 2 === 1) {
        fill = PALETTE[part.split(";").at(-1)];
        return "";
      }
      const piece = stripVTControlCharacters(part).slice(0, WIDTH - shown);
      shown += piece.length;
      const escaped = piece.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
      return fill ? `<tspan fill="${fill}">${escaped}</tspan>` : escaped;
    })
    .join("");
}
