// The grammar of an experiment's key, which has no dot, and of a variant's: the name of an arm splits at its first dot.
const ARM = /^([a-z0-9][a-z0-9-]{0,62})\.(\P{Cc}{1,64})$/u;

/**
 * Splits the name of a served entry into experiment and variant, or returns `undefined` where no experiment served it.
 *
 * @param {unknown} served the `variant` of an OpenFeature evaluation
 * @returns {{experiment: string, variant: string} | undefined}
 */
export function exposedArm(served) {
  const match = typeof served === 'string' ? ARM.exec(served) : null;
  return match ? { experiment: match[1], variant: match[2] } : undefined;
}
