// What a Redis has used of the processor, as it tells it itself.
import { createClient } from 'redis';
import type { Usage } from './usage.ts';

export async function redisCpu(url: string): Promise<Pick<Usage, 'userUs' | 'systemUs'>> {
  const redis = await createClient({ url }).connect();
  const told = await redis.info('cpu');
  redis.destroy();
  const of = (name: string): number =>
    Number(new RegExp(`used_cpu_${name}:([\\d.]+)`).exec(told)?.[1]) * 1e6;
  return { userUs: of('user'), systemUs: of('sys') };
}
