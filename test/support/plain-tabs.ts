// Owns tabs as a person has them: one that is not in front is hidden, and its timers are held back. What Playwright opens itself is always in front.
import type { Browser, CDPSession } from 'playwright-core';

/** To be left out of what the browser is started with, or hidden tabs go on as if they were seen. */
export const THROTTLING_SWITCHES = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];
/** From so long after hiding on, timers run once a minute; by itself the browser waits for five minutes. */
export const throttlesAfter = (seconds: number): string =>
  `--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/${seconds}`;

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export class PlainTabs {
  readonly #root: CDPSession;

  private constructor(root: CDPSession) {
    this.#root = root;
  }

  static async of(browser: Browser): Promise<PlainTabs> {
    return new PlainTabs(await browser.newBrowserCDPSession());
  }

  /** A tab in front of those that are there, or a window beside them. */
  async open(url: string, { inNewWindow = false } = {}): Promise<PlainTab> {
    const { targetId } = await this.#root.send('Target.createTarget', {
      url,
      newWindow: inNewWindow,
    });
    const { sessionId } = await this.#root.send('Target.attachToTarget', { targetId });
    return new PlainTab(this.#root, targetId, sessionId);
  }
}

export class PlainTab {
  readonly #root: CDPSession;
  readonly #targetId: string;
  readonly #sessionId: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  constructor(root: CDPSession, targetId: string, sessionId: string) {
    this.#root = root;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
    root.on('Target.receivedMessageFromTarget', (event) => {
      if (event.sessionId !== sessionId) return;
      const answer = JSON.parse(event.message) as Answer;
      this.#waiting.get(answer.id ?? -1)?.(answer);
      this.#waiting.delete(answer.id ?? -1);
    });
  }

  /** The value of an expression in the page, awaited; it has to be plain data. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value: T }).value;
  }

  /** Resolves when the expression is true; a hidden page is asked from here, as its own timers sleep. */
  async until(expression: string, withinMs = 10_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(await this.evaluate<boolean>(expression))) {
      if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    this.#calls += 1;
    const id = this.#calls;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    await this.#root.send('Target.sendMessageToTarget', {
      sessionId: this.#sessionId,
      message: JSON.stringify({ id, method, params }),
    });
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  /** The zero of the page's `performance.now()`, by the machine's monotonic clock, ms. */
  async originMs(): Promise<number> {
    await this.send('Performance.enable');
    const { metrics } = (await this.send('Performance.getMetrics')) as {
      readonly metrics: readonly { readonly name: string; readonly value: number }[];
    };
    const started = metrics.find(({ name }) => name === 'NavigationStart');
    if (started === undefined) throw new Error('no NavigationStart');
    return started.value * 1_000;
  }

  async close(): Promise<void> {
    await this.#root.send('Target.closeTarget', { targetId: this.#targetId });
  }
}
