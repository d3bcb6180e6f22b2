/**
 * One sweep in a thread of its own: the test runner follows every promise of its own thread, which
 * makes hundreds of simulated lives twice as slow there.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { sweep, sweepTwice } from './sweep.ts';
import { workloads } from './workloads.ts';

const workload = workloads.find(({ name }) => name === workerData.workload);
if (workload === undefined) throw new RangeError(`no workload ${workerData.workload}`);
parentPort?.postMessage(await (workerData.twice ? sweepTwice(workload) : sweep(workload)));
