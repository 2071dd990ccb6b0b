import type { ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import { type About, decodeDataRecord, InvalidWaveform, type Waveform } from "@fieldlog/waveforms";
import type { StoredReading } from "../../uploads/readings.js";
import { endsWhenIdle } from "../../uploads/send-content.js";
import { Problem } from "../problem.js";

const DATA_RECORD = "data-record";

/** Readings that are decoded for people: so many at once as there is memory for. */
export class Decoding {
  /** Of readings whose answers are under way. */
  private bytes = 0;

  /**
   * What is in the reading; the memory that it takes counts until `response` has ended. Raises Problem 406: it is no
   * waveform, or cannot be decoded; 503: too much at once.
   */
  async waveformIn({ offered, bytes, content }: StoredReading, response: ServerResponse): Promise<Waveform> {
    if (offered.format !== DATA_RECORD) {
      throw new Problem(406, `A reading of the format "${offered.format}" can only be downloaded as it is.`);
    }
    if (bytes > limits.waveformBytes) {
      throw new Problem(
        406,
        `Of more than ${limits.waveformBytes} bytes only the bytes themselves are given.`,
      );
    }
    if (this.bytes + bytes > limits.waveformsBytes) {
      throw new Problem(503, "Too many readings are decoded at once.", { retryAfterS: 1 });
    }
    // Of one who has gone nobody would hear that he goes.
    if (response.destroyed) throw new Problem(408, "Nobody waits for this answer.");
    this.bytes += bytes;
    response.once("close", () => {
      this.bytes -= bytes;
    });
    endsWhenIdle(response);
    const pieces: Uint8Array[] = [];
    for await (const piece of content({ from: 0, to: bytes })) pieces.push(piece);
    try {
      return decodeDataRecord(Buffer.concat(pieces));
    } catch (error) {
      if (!(error instanceof InvalidWaveform)) throw error;
      throw new Problem(406, `This reading can only be downloaded as it is: it ${error.detail}.`);
    }
  }
}

/** What is known of it besides. */
export function aboutOf({ offered: { sensorType, start } }: StoredReading): About {
  return { sensorType, start: start === undefined ? undefined : Number(start) };
}
