import { exposedArm } from './served.js';
import { Seen } from './seen.js';

/** The columns that every row has; a dimension may not take one of these names. */
export const FIXED_COLUMNS = Object.freeze([
  'unit',
  'entity',
  'flag',
  'served',
  'experiment',
  'variant',
  'timestamp',
]);

/**
 * An OpenFeature server hook that writes one row for each exposure to an experiment.
 *
 * Its `finally` stage looks at what the application really got, takes the row down in memory, and returns at once;
 * rows reach the sink in batches. Nothing that goes wrong here reaches the application: it is reported through `onError`.
 */
export class ExposureHook {
  #sink;
  #dimensions;
  #unit;
  #entity;
  #seen;
  #batchSize;
  #flushInterval;
  #maxQueue;
  #onError;
  #now;

  /** @type {{row: import('./index.d.ts').ExposureRow, key: string | undefined}[]} */
  #queue = [];
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {Promise<boolean>} */
  #writing = Promise.resolve(true);
  #closed = false;

  /** @param {import('./index.d.ts').ExposureHookOptions} options */
  constructor(options) {
    const {
      sink,
      dimensions = [],
      unit,
      entity = null,
      deduplicate = true,
      batchSize = 100,
      flushInterval = 1000,
      maxQueue = 10_000,
      onError = () => {},
      now = () => new Date(),
    } = options ?? {};
    if (typeof sink?.write !== 'function') throw new TypeError('`sink` needs a `write(rows)` method');
    if (typeof onError !== 'function') throw new TypeError('`onError` must be a function');
    positive('batchSize', batchSize);
    positive('flushInterval', flushInterval);
    positive('maxQueue', maxQueue);
    for (const name of dimensions) {
      if (typeof name !== 'string' || name === '') throw new TypeError('a dimension is the name of a context attribute');
      if (FIXED_COLUMNS.includes(name)) throw new TypeError(`the dimension \`${name}\` has the name of a fixed column`);
    }
    if (new Set(dimensions).size !== dimensions.length) throw new TypeError('a dimension is named twice');
    const remembered = deduplicate === true ? 100_000 : deduplicate?.maxEntries;
    if (deduplicate !== false) positive('deduplicate.maxEntries', remembered);

    this.#sink = sink;
    this.#dimensions = [...dimensions];
    this.#unit = unit;
    this.#entity = entity;
    this.#seen = deduplicate === false ? undefined : new Seen(remembered);
    this.#batchSize = batchSize;
    this.#flushInterval = flushInterval;
    this.#maxQueue = maxQueue;
    this.#onError = onError;
    this.#now = now;
  }

  /** The columns of a row, in order: the fixed ones, then the dimensions. */
  get columns() {
    return [...FIXED_COLUMNS, ...this.#dimensions];
  }

  /**
   * Takes down an exposure. Called by the OpenFeature client after every evaluation; never throws.
   *
   * @param {import('./index.d.ts').EvaluatedContext} hookContext
   * @param {import('./index.d.ts').EvaluatedDetails} [details]
   */
  finally(hookContext, details) {
    try {
      if (this.#closed || !details || details.errorCode !== undefined) return;
      const arm = exposedArm(details.variant);
      if (!arm) return;
      const context = hookContext.context ?? {};
      const metadata = details.flagMetadata ?? {};
      const unit = context[this.#unitAttribute(hookContext.flagKey, metadata)];
      // An evaluator draws for nothing but a text that is not empty: any other unit has no exposure.
      if (typeof unit !== 'string' || unit === '') return;

      const entity = this.#entity ?? text(metadata['trialbook.entity']);
      const served = String(details.variant);
      const key = this.#seen ? JSON.stringify([entity, unit, served]) : undefined;
      if (key !== undefined && this.#seen?.has(key)) return;
      const row = {
        unit,
        entity,
        flag: hookContext.flagKey,
        served,
        experiment: arm.experiment,
        variant: arm.variant,
        timestamp: this.#now().toISOString(),
      };
      for (const name of this.#dimensions) row[name] = dimension(context[name]);
      // Remembered last: a row that could not be made is tried again at the next evaluation.
      if (key !== undefined) this.#seen?.add(key);
      this.#enqueue({ row, key });
    } catch (error) {
      this.#report(error, []);
    }
  }

  /**
   * Writes everything taken down so far. Resolves when the sink has it, or has failed once more.
   *
   * @returns {Promise<void>}
   */
  async flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#drain());
    const drained = await this.#writing;
    if (!drained && !this.#closed) this.#schedule();
  }

  /**
   * Writes what is left and closes the sink. Exposures after this are not taken down. Never rejects.
   *
   * @returns {Promise<void>}
   */
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    await this.flush();
    const lost = this.#queue.splice(0).map(({ row }) => row);
    if (lost.length > 0) this.#report(new Error(`closed with ${lost.length} exposures that could not be written`), lost);
    try {
      await this.#sink.close?.();
    } catch (error) {
      this.#report(error, []);
    }
  }

  /**
   * Which context attribute holds the unit's id: what the application says, else what the flag's metadata says, else
   * the targeting key.
   */
  #unitAttribute(flag, metadata) {
    if (typeof this.#unit === 'string') return this.#unit;
    return this.#unit?.[flag] ?? text(metadata['trialbook.unit']) ?? 'targetingKey';
  }

  #enqueue(entry) {
    if (this.#queue.length >= this.#maxQueue) {
      // Forgotten, so that the unit's next evaluation is taken down once there is room again.
      if (entry.key !== undefined) this.#seen?.delete(entry.key);
      this.#report(new Error(`the queue is full (${this.#maxQueue} exposures): one was dropped`), [entry.row]);
      return;
    }
    this.#queue.push(entry);
    if (this.#queue.length === this.#batchSize) void this.flush();
    else this.#schedule();
  }

  #schedule() {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, this.#flushInterval);
    // Waiting rows do not keep a process alive: whoever wants them all calls `close`.
    this.#timer.unref?.();
  }

  /** Writes batch by batch; a batch that fails stays at the head of the queue. Returns whether all is written. */
  async #drain() {
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, this.#batchSize).map(({ row }) => row);
      try {
        await this.#sink.write(batch, this.columns);
      } catch (error) {
        this.#report(error, batch);
        return false;
      }
      this.#queue.splice(0, batch.length);
    }
    return true;
  }

  #report(error, rows) {
    try {
      this.#onError(error instanceof Error ? error : new Error(String(error)), rows);
    } catch {
      // The application's own callback must not break its evaluation either.
    }
  }
}

function positive(name, value) {
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`\`${name}\` must be a whole number above zero`);
}

function text(value) {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A dimension is a scalar; a date is its RFC 3339 text; anything else is its JSON, and what is missing is null. */
function dimension(value) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'object':
      if (value === null) return null;
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
      return JSON.stringify(value);
    default:
      return null;
  }
}
