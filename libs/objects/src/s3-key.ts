/** Characters of one piece of a key: file systems behind S3-compatible services take no more than 255 bytes. */
const PIECE = 200;

/**
 * An object's name, or the beginning of one, as a key of S3: what is not a letter, a digit, `_`, `-` or `/` is
 * percent-encoded, so that no service or client on the way reads more into it, and long pieces are divided. Two names
 * never have one key, and a name that begins with another has a key that begins with the other's.
 */
export function s3KeyOf(name: string): string {
  let key = "";
  let length = 0;
  for (const byte of Buffer.from(name)) {
    const character = String.fromCharCode(byte);
    const isSlash = character === "/";
    const written = /[\w/-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
    if (!isSlash && length + written.length > PIECE) {
      key += "+/";
      length = 0;
    }
    key += written;
    length = isSlash ? 0 : length + written.length;
  }
  return key;
}

/** The name whose key it is. */
export function nameOfS3Key(key: string): string {
  return decodeURIComponent(key.replaceAll("+/", ""));
}
