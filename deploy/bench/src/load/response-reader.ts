const HEADER_END = Buffer.from("\r\n\r\n");
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** An answer that this reader does not know how to read. */
export class UnreadableResponse extends Error {
  override readonly name = "UnreadableResponse";
}

/**
 * Finds the end of each HTTP/1.1 answer on a connection, with as little work as possible: status and
 * content-length, nothing else. Answers without a content-length are UnreadableResponse.
 */
export class ResponseReader {
  #rest: Buffer | undefined;

  /** Takes what arrived. The status of the answer that is now complete, or 0 while there is none. */
  push(chunk: Buffer): number {
    const data = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    const headerEnd = data.indexOf(HEADER_END);
    if (headerEnd < 0) {
      this.#rest = Buffer.from(data);
      return 0;
    }
    const header = data.toString("latin1", 0, headerEnd);
    const length = LENGTH.exec(header)?.[1];
    const status = Number(header.slice(9, 12));
    if (length === undefined || !header.startsWith("HTTP/1.1 ") || !(status >= 200)) {
      throw new UnreadableResponse(header.split("\r\n", 1)[0] ?? "");
    }
    const end = headerEnd + HEADER_END.length + Number(length);
    if (data.length < end) {
      this.#rest = Buffer.from(data);
      return 0;
    }
    if (data.length > end) throw new UnreadableResponse("more than one answer to one request");
    this.#rest = undefined;
    return status;
  }
}
