// The grammar of a trialbook key and of a variant: neither holds a dot, so the name of an arm splits in one way.
const ARM = /^([a-z0-9][a-z0-9-]{0,62})\.([A-Za-z0-9][A-Za-z0-9_-]{0,62})$/;

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
