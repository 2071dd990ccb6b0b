/** Stands for any characters, also none. */
export const WILDCARD = "*";

/** A text with wildcards. Matching takes time in proportion to the length of the name, whatever the pattern. */
export class Pattern {
  /** What every match begins with. */
  readonly prefix: string;
  private readonly suffix: string;
  private readonly between: readonly Piece[];

  /** @param text with at least one wildcard */
  constructor(text: string) {
    const [prefix = "", ...rest] = text.split(WILDCARD);
    this.prefix = prefix;
    this.suffix = rest.pop() ?? "";
    this.between = rest.filter((piece) => piece !== "").map((piece) => new Piece(piece));
  }

  matches(name: string): boolean {
    const end = name.length - this.suffix.length;
    if (end < this.prefix.length || !name.startsWith(this.prefix) || !name.endsWith(this.suffix))
      return false;
    // The leftmost place of each piece leaves the most room for those after it.
    let at = this.prefix.length;
    for (const piece of this.between) {
      at = piece.after(name, at, end);
      if (at < 0) return false;
    }
    return true;
  }
}

/** A text that is sought by Knuth, Morris and Pratt: `indexOf` may take the product of both lengths. */
class Piece {
  /** For each length, how much of the piece's beginning is also the end of that much of it. */
  private readonly borders: Uint16Array;

  constructor(private readonly text: string) {
    this.borders = new Uint16Array(text.length + 1);
    for (let length = 1, border = 0; length < text.length; length++) {
      while (border > 0 && text[length] !== text[border]) border = this.borders[border] as number;
      if (text[length] === text[border]) border++;
      this.borders[length + 1] = border;
    }
  }

  /** Where its first occurrence within `from` and `end` ends; -1: there is none. */
  after(name: string, from: number, end: number): number {
    let matched = 0;
    for (let at = from; at < end; at++) {
      while (matched > 0 && name[at] !== this.text[matched]) matched = this.borders[matched] as number;
      if (name[at] === this.text[matched]) matched++;
      if (matched === this.text.length) return at + 1;
    }
    return -1;
  }
}
