import { open } from 'node:fs/promises';

/**
 * Appends exposures to a file, as NDJSON or as CSV (RFC 4180, with a header). A file belongs to one process.
 *
 * A batch is written whole or not at all: after a failed write (a full disk, say) the file is cut back to where it was.
 */
export class FileSink {
  #path;
  #format;
  /** @type {import('node:fs/promises').FileHandle | undefined} */
  #file;
  #size = 0;

  /** @param {import('./index.d.ts').FileSinkOptions} options */
  constructor({ path, format }) {
    if (typeof path !== 'string' || path === '') throw new TypeError('`path` must name a file');
    this.#path = path;
    this.#format = format ?? (path.toLowerCase().endsWith('.csv') ? 'csv' : 'ndjson');
    if (this.#format !== 'csv' && this.#format !== 'ndjson') throw new TypeError('`format` is "ndjson" or "csv"');
  }

  /**
   * @param {import('./index.d.ts').ExposureRow[]} rows
   * @param {readonly string[]} columns
   */
  async write(rows, columns) {
    if (rows.length === 0) return;
    const file = this.#file ?? (await this.#open(columns));
    let text = '';
    if (this.#format === 'csv') {
      if (this.#size === 0) text += csvLine(columns);
      for (const row of rows) text += csvLine(columns.map((column) => row[column]));
    } else {
      for (const row of rows) text += `${JSON.stringify(row)}\n`;
    }
    const bytes = Buffer.from(text);
    try {
      await file.appendFile(bytes);
    } catch (error) {
      await file.truncate(this.#size).catch(() => {});
      throw error;
    }
    this.#size += bytes.length;
  }

  /** Makes sure that what was written is on the disk, and closes the file. */
  async close() {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #open(columns) {
    const file = await open(this.#path, 'a+');
    try {
      this.#size = (await file.stat()).size;
      if (this.#size > 0) await this.#continues(file, columns);
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#file = file;
    return file;
  }

  /** Refuses a file that ends amid a line, or a CSV whose header names other columns. */
  async #continues(file, columns) {
    const last = Buffer.alloc(1);
    await file.read(last, 0, 1, this.#size - 1);
    if (last[0] !== 0x0a) throw new Error(`${this.#path} does not end with a line break: it may have been cut off`);
    if (this.#format !== 'csv') return;
    const expected = Buffer.from(csvLine(columns));
    const header = Buffer.alloc(expected.length);
    await file.read(header, 0, header.length, 0);
    if (!header.equals(expected)) {
      throw new Error(`${this.#path} has other columns than ${columns.join(', ')}: start a new file`);
    }
  }
}

function csvLine(fields) {
  return `${fields.map(csvField).join(',')}\r\n`;
}

/** An absent value is an empty field; a text is quoted where it must be, and where it is empty. */
function csvField(value) {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
