import { readFileSync } from 'node:fs';

import { FlagdCore } from '@openfeature/flagd-core';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };

/** An OpenFeature provider that evaluates a flagd file in this process: what the application would run, without a network. */
export class FlagdFileProvider {
  metadata = { name: 'flagd-file' };
  runsOn = 'server';
  #core = new FlagdCore(undefined, quiet);

  constructor(path) {
    this.#core.setConfigurations(readFileSync(path, 'utf8'));
  }

  async resolveBooleanEvaluation(flag, fallback, context) {
    return this.#core.resolveBooleanEvaluation(flag, fallback, context, quiet);
  }

  async resolveStringEvaluation(flag, fallback, context) {
    return this.#core.resolveStringEvaluation(flag, fallback, context, quiet);
  }

  async resolveNumberEvaluation(flag, fallback, context) {
    return this.#core.resolveNumberEvaluation(flag, fallback, context, quiet);
  }

  async resolveObjectEvaluation(flag, fallback, context) {
    return this.#core.resolveObjectEvaluation(flag, fallback, context, quiet);
  }
}
