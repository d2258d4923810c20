// What answers on the port: the service once it can serve, and until then whoever asks whether it lives or is ready.
import { HEALTH_PATHS } from './http/routes/operations.ts';
import type { HttpApp } from './http/http-app.ts';
import type { Hub } from './hub/hub.ts';
import {
  DATA_HEADERS,
  type Socket,
  type SocketListener,
  type UpgradeDecision,
  type UpgradeRequest,
} from './ports/sockets.ts';
import { refuse } from '../protocol/errors.ts';
import { problemResponse } from './http/problem.ts';

interface Service {
  readonly hub: Hub;
  readonly http: HttpApp;
}

const RETRY_MS = 2_000;

export class Front implements SocketListener {
  #service: Service | undefined;
  /** What is waited for, for people. */
  #waitsFor = 'the service is starting';

  /** From now on the service answers. */
  open(service: Service): void {
    this.#service = service;
  }

  waitFor(reason: string): void {
    this.#waitsFor = reason;
  }

  upgrade(request: UpgradeRequest): UpgradeDecision {
    return (
      this.#service?.hub.upgrade(request) ?? {
        kind: 'reject',
        status: 503,
        message: this.#waitsFor,
      }
    );
  }

  opened(socket: Socket, request: UpgradeRequest): void {
    this.#service?.hub.opened(socket, request);
  }

  message(socket: Socket, data: Uint8Array, isBinary: boolean): void {
    this.#service?.hub.message(socket, data, isBinary);
  }

  drained(socket: Socket): void {
    this.#service?.hub.drained(socket);
  }

  closed(socket: Socket): void {
    this.#service?.hub.closed(socket);
  }

  fetch(request: Request, peer: { readonly remoteAddress: string }): Response | Promise<Response> {
    if (this.#service !== undefined) return this.#service.http(request, peer);
    const answer = this.#beforeService(new URL(request.url).pathname);
    for (const [name, value] of Object.entries(DATA_HEADERS)) answer.headers.set(name, value);
    return answer;
  }

  #beforeService(pathname: string): Response {
    switch (pathname) {
      case HEALTH_PATHS.alive:
        return Response.json({ ok: true });
      case HEALTH_PATHS.ready:
        return Response.json(
          { ready: false, reasons: [this.#waitsFor], away: [] },
          { status: 503 },
        );
      default:
        return problemResponse(refuse('unavailable', this.#waitsFor, RETRY_MS));
    }
  }
}
