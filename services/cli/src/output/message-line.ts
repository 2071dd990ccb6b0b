import type { Message } from "../api/answers.js";
import { clean, type Paint, time } from "./text.js";

/** One message as one line: when, on which topic, by whom, what, and its position. */
export function messageLine(message: Message, paint: Paint): string {
  const { payload, payloadBase64 } = message;
  const said = payload ?? (payloadBase64 === undefined ? "" : `base64 ${payloadBase64}`);
  return [
    time(message.receivedAt).padEnd(20),
    paint("bold", clean(message.topic, 120)),
    said === "" ? paint("dim", "empty") : clean(said),
    message.retain ? paint("dim", "retained") : "",
    paint("dim", `by ${clean(message.device, 60)}`),
    paint("dim", `#${clean(message.position)}`),
  ]
    .filter((part) => part !== "")
    .join("  ");
}
