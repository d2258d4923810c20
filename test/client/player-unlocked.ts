// Owns the scene that most player tests begin with.
import { Player, type PlayerOptions } from '../../src/client/player.ts';
import { PlayerWorld } from './player-fakes.ts';

export interface UnlockedScene {
  readonly world: PlayerWorld;
  readonly player: Player;
}

/** A player that is unlocked and knows its audio clock. */
export async function unlocked(
  prepare: (world: PlayerWorld) => void = () => undefined,
  options: Pick<PlayerOptions, 'devices'> = {},
): Promise<UnlockedScene> {
  const world = new PlayerWorld();
  prepare(world);
  const player = new Player({
    client: world.client,
    room: world.room,
    platform: world.platform,
    output: 'webaudio',
    ...options,
  });
  await world.settle();
  await player.unlock();
  await world.pass(1_500);
  return { world, player };
}
