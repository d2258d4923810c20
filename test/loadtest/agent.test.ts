// An agent, and one who leads it: what it refuses, and in which words the other one hears of it.
import { afterEach, describe, expect, it } from 'vitest';
import { AgentLinks } from '../../loadtest/agent-link.ts';
import { startAgent, type Agent } from '../../loadtest/agent.ts';
import type { CrewReport } from '../../loadtest/crew-messages.ts';
import { ScenarioSchema } from '../../loadtest/scenario/scenario.ts';

const key = 'a key that both of them know';
const options = { host: '127.0.0.1', port: 0, key, say: () => undefined };
const agents: Agent[] = [];

async function start(port = 0): Promise<Agent> {
  const agent = await startAgent({ ...options, port });
  agents.push(agent);
  return agent;
}

afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
});

describe('an agent', () => {
  it('says in words that its port is taken', async () => {
    const { port } = await start();
    await expect(start(port)).rejects.toThrow(
      `port ${port} of 127.0.0.1 is taken: name another one with --port`,
    );
  });

  it.runIf(process.platform === 'linux')(
    'takes no more people than its machine has places for, and is named',
    async () => {
      const { port } = await start();
      const address = `127.0.0.1:${port}`;
      const links = await AgentLinks.connect(address, key, 1);
      const failed = new Promise<CrewReport>((resolve) => {
        const [link] = links.links(0, 1, (_, report) => resolve(report));
        link?.send({
          kind: 'start',
          scenario: ScenarioSchema.parse({
            name: 'crowd',
            // Whatever it allows, it has fewer local ports.
            groups: [{ kind: 'rooms', rooms: 1, listeners: 70_000 }],
            phases: [{ name: 'any', seconds: 1 }],
          }),
          ...{ mostLoad: 1, thread: 0, threads: 1, run: 1, sourceAddresses: [], tracks: [] },
          targets: [
            { host: '127.0.0.1', port: 1, isSecure: false, authority: 'x', pathPrefix: '' },
          ],
          identity: { kind: 'secret', secret: 'x'.repeat(32) },
        });
      });
      expect(await failed).toMatchObject({
        kind: 'failed',
        message: expect.stringMatching(
          `agent ${address}: 70000 sockets need .*(ulimit|--source-address)`,
        ) as string,
      });
      for (const link of links.links(0, 1, () => undefined)) await link.stop();
    },
  );
});
