// Compiled, never run: the hook is one that the SDK accepts, and a sink of one's own is a few lines.
import { OpenFeature } from '@openfeature/server-sdk';
import { ExposureHook, FileSink, exposedArm, type ExposureSink } from '@trialbook/openfeature-exposure-hook';

const own: ExposureSink = { write: (rows) => console.log(rows[0]?.unit) };
const hook = new ExposureHook({ sink: own, dimensions: ['country'], unit: { 'seat-map': 'account_id' } });
OpenFeature.addHooks(hook, new ExposureHook({ sink: new FileSink({ path: 'exposures.csv' }), deduplicate: false }));
const arm: { experiment: string; variant: string } | undefined = exposedArm('a.b');
void arm;
void hook.close();

// @ts-expect-error a hook without a sink has nowhere to write
new ExposureHook({});
