/** The view, and the shapes of the endpoints' JSON, as far as the page reads them. */

import type uPlotClass from "uplot";

declare global {
  const uPlot: typeof uPlotClass;
}

export interface View {
  minutes: number;
  /** Null if there is only one. */
  source: string | null;
  /** The dimension that is open. */
  groupBy: string | null;
  /** Names and values of dimensions. */
  filters: [string, string][];
}

export interface Sources {
  minutes: { default: number; max: number };
  sources: { name: string | null; dimensions: string[] }[];
}

export interface TaskReference {
  taskId: string;
  requestId: string | null;
}

export interface BacklogCount {
  count: number;
  oldestAgeSeconds: number | null;
  oldest: TaskReference | null;
}

export interface Backlog {
  queued: BacklogCount;
  processing: BacklogCount;
  scheduled?: { count: number };
}

export interface LatencyStats {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
  samples: number;
}

export type LatencyName = "timeToProcessingMs" | "timeToCompleteMs" | "endToEndMs";

/** A latency is null if the source does not record its timestamps. */
export type Latency = Record<LatencyName, LatencyStats | null>;

export interface TopError {
  code: string;
  count: number;
  lastSeenAt: string;
  sample: TaskReference;
  previousCount?: number;
}

export type CountName = "created" | "completed" | "failed" | "cancelled" | "processing" | "queued";

export type Counts = Record<CountName, number | null>;

export interface Figures {
  tasks: Counts;
  backlog: Backlog;
  latency: Latency;
  topErrors: TopError[] | null;
}

/** A group has the value of its dimension under the dimension's name; the other groups have none. */
export type Group = Figures & Record<string, unknown>;

export interface Snapshot extends Figures {
  window: { minutes: number; from: string; to: string };
  state: "idle" | "working" | "stalled" | "stuck" | null;
  reason: string | null;
  previous?: Partial<Counts> & { latency: Latency };
  groups?: Group[];
  otherGroups?: Group;
  groupCount?: number;
}

export interface Point extends Latency {
  at: string;
  partial?: boolean;
  created: number | null;
  completed: number | null;
  failed: number | null;
}

export interface Series {
  points: Point[];
}
