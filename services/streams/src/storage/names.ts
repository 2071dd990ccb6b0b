import { limits, token } from "@fieldlog/contracts";

/** What the names of a device's objects begin with. */
export function folderOf(namespace: string, device: string): string {
  return `${namespace}/~streams/${token(device)}/`;
}

/** The name of a message's object: the same each time that it is stored. */
export function objectOf(namespace: string, device: string, position: number): string {
  return `${folderOf(namespace, device)}messages/${position}`;
}

/** A batch's file, or that of a slice of it: a file is stored in parts. */
export interface BatchFile {
  readonly namespace: string;
  readonly device: string;
  readonly batch: number;
  /** Empty: of what is in none. */
  readonly slice: string;
}

/** The name of one of its parts: the same each time that it is stored. */
export function batchObjectOf({ namespace, device, batch, slice }: BatchFile, part: number): string {
  return `${folderOf(namespace, device)}batches/${batch}/${token(slice)}/${part}`;
}

/** Its parts, by its size. */
export function batchParts(file: BatchFile, bytes: number): { object: string; bytes: number }[] {
  const size = limits.uploadPartBytes;
  return Array.from({ length: Math.ceil(bytes / size) }, (_, part) => ({
    ...{ object: batchObjectOf(file, part), bytes: Math.min(size, bytes - part * size) },
  }));
}
