// Questions that come one by one and are asked together: whatever comes while one is under way waits for the next.
// Where a crowd comes at once that is a few statements instead of thousands; where somebody comes alone nothing waits.

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class Gathered<Question, Answer> {
  readonly #answers: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  readonly #most: number;
  #waiting: Waiting<Question, Answer>[] = [];
  #isAsking = false;

  /**
   * @param answers of many questions in one go, in their order; where it rejects, each of them does
   * @param most that are asked in one go
   */
  constructor(
    answers: (questions: readonly Question[]) => Promise<readonly Answer[]>,
    most: number,
  ) {
    this.#answers = answers;
    this.#most = most;
  }

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (!this.#isAsking) void this.#askAll();
    });
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.slice(0, this.#most);
      this.#waiting = this.#waiting.slice(this.#most);
      try {
        const answers = await this.#answers(asked.map(({ question }) => question));
        if (answers.length !== asked.length) throw new Error('not as many answers as questions');
        asked.forEach(({ resolve }, i) => resolve(answers[i] as Answer));
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#isAsking = false;
  }
}
