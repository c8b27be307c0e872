import type { BaseHook, FlagValue } from '@openfeature/server-sdk';

/** One exposure: who got which arm of which experiment, and when. Dimensions follow under their own names. */
export interface ExposureRow {
  /** The unit's id: the text that the draw hashed. */
  unit: string;
  /** The kind of unit, where the flag's metadata or the application says it. */
  entity: string | null;
  flag: string;
  /** `EXPERIMENT.VARIANT`. */
  served: string;
  experiment: string;
  variant: string;
  /** RFC 3339, UTC, with milliseconds. */
  timestamp: string;
  [dimension: string]: string | number | boolean | null;
}

/** Where rows go. Calls never overlap; a rejected `write` is tried again with the same rows. */
export interface ExposureSink {
  write(rows: ExposureRow[], columns: readonly string[]): void | Promise<void>;
  close?(): void | Promise<void>;
}

export interface ExposureHookOptions {
  sink: ExposureSink;
  /** Context attributes that every row carries, such as `country`. */
  dimensions?: readonly string[];
  /**
   * The context attribute that holds the unit's id, for all flags or by flag. Left out: what the flag's metadata says
   * (`trialbook.unit`), else the targeting key.
   */
  unit?: string | Readonly<Record<string, string>>;
  /** The value of the column `entity`, instead of the flag's metadata (`trialbook.entity`). */
  entity?: string;
  /** Write a unit and arm once in this process; `maxEntries` (100,000) bounds what is remembered. Default: true. */
  deduplicate?: boolean | { maxEntries: number };
  /** Rows in one write. Default: 100. */
  batchSize?: number;
  /** Milliseconds until a batch that is not full is written. Default: 1000. */
  flushInterval?: number;
  /** Rows that may wait; what comes on top is dropped and reported. Default: 10,000. */
  maxQueue?: number;
  /** Called with everything that goes wrong, and the rows concerned. Default: nothing happens. */
  onError?: (error: Error, rows: readonly ExposureRow[]) => void;
  /** The clock. */
  now?: () => Date;
}

/** What the hook reads of OpenFeature's hook context. */
export interface EvaluatedContext {
  readonly flagKey: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** What the hook reads of OpenFeature's evaluation details. */
export interface EvaluatedDetails {
  readonly variant?: string;
  readonly errorCode?: string;
  readonly flagMetadata?: Readonly<Record<string, string | number | boolean>>;
}

export declare class ExposureHook implements BaseHook<FlagValue> {
  constructor(options: ExposureHookOptions);
  readonly columns: string[];
  finally(hookContext: EvaluatedContext, details?: EvaluatedDetails): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface FileSinkOptions {
  path: string;
  /** Default: by the name's suffix; `ndjson` unless it is `.csv`. */
  format?: 'ndjson' | 'csv';
}

export declare class FileSink implements ExposureSink {
  constructor(options: FileSinkOptions);
  write(rows: ExposureRow[], columns: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Splits `EXPERIMENT.VARIANT`; `undefined` where no experiment served the entry. */
export declare function exposedArm(served: unknown): { experiment: string; variant: string } | undefined;
