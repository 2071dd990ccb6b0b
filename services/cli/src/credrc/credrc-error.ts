/** A configuration file that cannot be used, in the words of cred's own server. */
export class CredrcError extends Error {
  override readonly name = "CredrcError";
}
