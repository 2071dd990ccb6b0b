export { Cursor, type CursorParts, type Outlet } from "./cursor.js";
export { EventCursor, type EventCursorParts, EventFeeds, type EventSink } from "./events.js";
export { Feed, type FeedOptions, type Follower, type Placed } from "./feed.js";
export { Feeds } from "./feeds.js";
export type { Index, Kind, Message, ReadCommit, Subscribed } from "./kind.js";
export { type AcquireOptions, CursorRecords } from "./records/cursor-records.js";
export type { Held } from "./records/held.js";
export { type CursorRecord, isConnected, type Via } from "./records/record.js";
export { Slots } from "./slots.js";
