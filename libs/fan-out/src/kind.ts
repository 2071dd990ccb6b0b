import type { Position } from "@fieldlog/contracts";

/** Something in the log that goes to subscribers. */
export interface Message {
  readonly position: Position;
}

/** A commit as subscribers of one kind see it. */
export interface ReadCommit<M extends Message> {
  readonly sequence: number;
  /** In their order. */
  readonly messages: readonly M[];
  /** Of memory, about. */
  readonly bytes: number;
}

/** A subscription sees what comes after a position. */
export interface Subscribed {
  readonly after: Position;
}

/** Values by their subscription; finds those of a message without looking at the others. */
export interface Index<M extends Message, T> {
  add(value: T): void;
  delete(value: T): void;
  /** Calls `visit` for each value whose subscription the message matches. */
  match(message: M, visit: (value: T) => void): void;
  each(visit: (value: T) => void): void;
}

/** What is fanned out, and by what it is chosen. */
export interface Kind<M extends Message, C extends ReadCommit<M>, S extends Subscribed> {
  /** Without messages for bytes that are no commit, after `onError` was told. */
  read(namespace: string, sequence: number, data: Uint8Array, onError: (error: Error) => void): C;
  index<T>(subscriptionOf: (value: T) => S): Index<M, T>;
}
