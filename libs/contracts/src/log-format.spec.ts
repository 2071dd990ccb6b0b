import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { file_fieldlog_registry_v1_registry } from "./gen/fieldlog/registry/v1/registry_pb.js";
import { file_fieldlog_signals_v1_signals } from "./gen/fieldlog/signals/v1/signals_pb.js";

// What stands in the permanent log, field by field, as it was when it was first written: each line is true for ever.
const RECORDED = "log-format.txt";

function typeOf(field: DescField): string {
  switch (field.fieldKind) {
    case "scalar":
      return ScalarType[field.scalar].toLowerCase();
    case "message":
      return field.message.typeName;
    case "enum":
      return field.enum.typeName;
    case "list": {
      const { message, enum: values, scalar } = field;
      return `repeated ${message?.typeName ?? values?.typeName ?? ScalarType[scalar ?? 0]?.toLowerCase()}`;
    }
    case "map": {
      const { mapKey, message, enum: values, scalar } = field;
      const value = message?.typeName ?? values?.typeName ?? ScalarType[scalar ?? 0]?.toLowerCase();
      return `map<${ScalarType[mapKey].toLowerCase()}, ${value}>`;
    }
  }
}

const ofMessage = ({ typeName, fields, nestedMessages, nestedEnums }: DescMessage): string[] => [
  ...fields.map((field) => `${typeName} ${field.number} ${field.name}: ${typeOf(field)}`),
  ...nestedMessages.flatMap(ofMessage),
  ...nestedEnums.flatMap(ofEnum),
];

const ofEnum = ({ typeName, values }: DescEnum): string[] =>
  values.map((value) => `${typeName} ${value.number} ${value.name}`);

describe("the format of the log", () => {
  const files = [file_fieldlog_signals_v1_signals, file_fieldlog_registry_v1_registry];
  const now = files.flatMap(({ messages, enums }) => [
    ...messages.flatMap(ofMessage),
    ...enums.flatMap(ofEnum),
  ]);
  const recorded = readFileSync(join(import.meta.dirname, RECORDED), "utf8")
    .trim()
    .split("\n");

  it("still has every field that was ever written, under its number and of its type", () => {
    const lost = recorded.filter((line) => !now.includes(line));
    expect(lost.join("\n"), "what is in logs could not be read any more: add a field instead").toBe("");
  });

  it("has no field that is not recorded", () => {
    const added = now.filter((line) => !recorded.includes(line));
    expect(added.join("\n"), `add these lines to libs/contracts/src/${RECORDED}`).toBe("");
  });
});
