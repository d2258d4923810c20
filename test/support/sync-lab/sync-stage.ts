// Owns what a gathering of the sync lab needs: two nodes on one Redis and one Postgres, their probers, the peers' servers and pages' servers. Judges nothing.
import type { EarshotProcess } from '../earshot-process.ts';
import { metronome, musicFolder } from '../music-process.ts';
import { SharedServers } from '../shared-servers.ts';
import { guestToken } from '../wire-client.ts';
import { HubProber } from './hub-prober.ts';
import { bundleLabPage, LabServer } from './lab-server.ts';
import { PeerServer } from './peer-server.ts';

const NODES = 2;

/** Ends what was begun; what it returns is waited for. */
export type Stop = () => unknown;

export interface StageNode {
  readonly process: EarshotProcess;
  readonly prober: HubProber;
  readonly peers: PeerServer;
}

export class SyncStage {
  readonly nodes: readonly StageNode[];
  /** One for each page at a time. */
  readonly labs: readonly LabServer[];
  readonly #stops: readonly Stop[];

  private constructor(
    nodes: readonly StageNode[],
    labs: readonly LabServer[],
    stops: readonly Stop[],
  ) {
    this.nodes = nodes;
    this.labs = labs;
    this.#stops = stops;
  }

  /** Undefined, with one line that says why, where a server cannot be had. @param pages at a time */
  static async start(pages: number): Promise<SyncStage | undefined> {
    const servers = await SharedServers.start();
    if (servers === undefined) return undefined;
    const stops: Stop[] = [() => servers.stop()];
    try {
      const { music } = await musicFolder(metronome(), stops);
      const scripts = await bundleLabPage();
      const labs: LabServer[] = [];
      for (let i = 0; i < pages; i += 1) {
        const lab = await LabServer.start(scripts);
        stops.push(() => lab.stop());
        labs.push(lab);
      }
      const env = { MEDIA_DIR: music, ALLOWED_ORIGINS: labs.map(({ origin }) => origin).join(',') };
      const nodes: StageNode[] = [];
      for (let i = 0; i < NODES; i += 1) {
        const process = await servers.node(env);
        const { token } = await guestToken(process.url, `Prober ${i}`);
        const prober = await HubProber.open(process.port, token);
        stops.push(() => prober.stop());
        const peers = await PeerServer.start(() => prober.now());
        stops.push(() => peers.stop());
        nodes.push({ process, prober, peers });
      }
      return new SyncStage(nodes, labs, stops);
    } catch (error) {
      await stopAll(stops);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await stopAll(this.#stops);
  }
}

async function stopAll(stops: readonly Stop[]): Promise<void> {
  for (const stop of [...stops].reverse()) await stop();
}
