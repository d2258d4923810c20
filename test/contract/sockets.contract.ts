// What every transport must do, whatever it is made of: the contract of ports/sockets.ts over real connections.
import type { Sockets } from '../../src/ports/sockets.ts';
import { prepareGround } from './sockets/ground.ts';
import { httpContract } from './sockets/http.ts';
import { portContract } from './sockets/port.ts';
import { tlsContract } from './sockets/tls.ts';
import { upgradesContract } from './sockets/upgrades.ts';
import { webSocketsContract } from './sockets/web-sockets.ts';

export interface SocketsContractOptions {
  /** The shortest idle timeout that the transport can keep. */
  readonly shortestIdleSeconds: number;
}

export function socketsContract(
  createSockets: () => Promise<Sockets>,
  { shortestIdleSeconds }: SocketsContractOptions,
): void {
  const ground = prepareGround(createSockets, shortestIdleSeconds);
  webSocketsContract(ground);
  upgradesContract(ground);
  httpContract(ground);
  portContract(ground);
  tlsContract(ground);
}
