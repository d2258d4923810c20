// The worker thread that makes the demo tracks, so that the hub's own thread answers meanwhile.
import { workerData } from 'node:worker_threads';
import { writeDemoTracks } from './write-demo-tracks.ts';
import type { WriteOrder } from './write-demo-tracks.ts';

await writeDemoTracks(workerData as WriteOrder);
