/** The shapes of the endpoints' JSON, as far as the page reads them. */

import type uPlotClass from "uplot";

declare global {
  const uPlot: typeof uPlotClass;
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
  avg: number | null;
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

export type DimensionValue = string | number | boolean | null;

export interface Figures {
  tasks: Counts;
  backlog: Backlog;
  latency: Latency;
  topErrors: TopError[] | null;
}

/** A group has the value of its dimension under the dimension's name. */
export type Group = Figures & Record<string, unknown>;

export interface Snapshot extends Figures {
  window: { minutes: number; from: string; to: string };
  requestId: string;
  state: "idle" | "working" | "stalled" | "stuck" | null;
  reason: string | null;
  previous?: Omit<Counts, "processing" | "queued"> & { latency: Latency };
  groups?: Group[];
  otherGroups?: Figures;
  groupCount?: number;
}

export interface Point extends Record<LatencyName, LatencyStats | null> {
  at: string;
  partial?: boolean;
  created: number | null;
  completed: number | null;
  failed: number | null;
}

export interface Series {
  stepSeconds: number;
  points: Point[];
}
