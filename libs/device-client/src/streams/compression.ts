import { promisify } from "node:util";
import { brotliCompress, brotliCompressSync, constants } from "node:zlib";

/** How payloads are compressed: not, as fast as can be, or as small as can be (brotli, quality 1 and 11). */
export type Compression = "uncompressed" | "fastest" | "smallest-size";

const inBackground = promisify(brotliCompress);
/** Bytes up to which it is done at once: handing it to another thread takes longer. */
const AT_ONCE = { fastest: 32 * 1024, "smallest-size": 1_024 };
const QUALITY = { fastest: 1, "smallest-size": 11 };
/** Of brotli's window, as the base-2 logarithm: one for 256 KiB needs less memory than the usual one of 4 MiB. */
const WINDOW = 18;

export interface Compressed {
  readonly payload: Uint8Array;
  readonly compressed: boolean;
}

/** The payload, smaller if that is possible (reference B4). */
export function compress(payload: Uint8Array, compression: Compression): Compressed | Promise<Compressed> {
  if (compression === "uncompressed" || payload.length === 0) return { payload, compressed: false };
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: QUALITY[compression],
    [constants.BROTLI_PARAM_LGWIN]: WINDOW,
    [constants.BROTLI_PARAM_SIZE_HINT]: payload.length,
  };
  if (payload.length <= AT_ONCE[compression])
    return smaller(payload, brotliCompressSync(payload, { params }));
  return inBackground(payload, { params }).then((result) => smaller(payload, result));
}

function smaller(payload: Uint8Array, result: Uint8Array): Compressed {
  return result.length < payload.length
    ? { payload: result, compressed: true }
    : { payload, compressed: false };
}
