import { setTimeout as sleep } from 'node:timers/promises';
import { authorizationOf } from '../servers/parley.js';
import { encodeRequest, type HttpAnswer, HttpConnection, type HttpRequest } from './http-connection.js';

/** What a benchmark asks of Parley before and after it measures. */
export class ParleyApi {
  private constructor(private readonly connection: HttpConnection) {}

  static async open(port: number): Promise<ParleyApi> {
    return new ParleyApi(await HttpConnection.open(port));
  }

  /** @returns the id of a new public channel */
  async createChannel(personId: string): Promise<string> {
    const { body } = await this.#ask(personId, { method: 'POST', path: '/api/v1/channels', body: { name: 'bench' } });
    return (JSON.parse(body) as { id: string }).id;
  }

  async joinChannel(personId: string, channelId: string): Promise<void> {
    await this.#ask(personId, { method: 'POST', path: `/api/v1/channels/${channelId}/join` });
  }

  /** Resolves once every read model has folded the whole log. */
  async projected(): Promise<void> {
    while ((await this.#lags()).some((lag) => lag > 0)) await sleep(2);
  }

  close(): void {
    this.connection.close();
  }

  async #lags(): Promise<number[]> {
    const { body } = await this.connection.send(encodeRequest({ method: 'GET', path: '/metrics' }));
    const lags = [...body.matchAll(/^parley_projection_lag\{.*\} (\d+)/gm)].map(([, lag]) => Number(lag));
    if (lags.length === 0) throw new Error('/metrics shows no projection');
    return lags;
  }

  async #ask(personId: string, request: HttpRequest): Promise<HttpAnswer> {
    const headers = { authorization: await authorizationOf(personId) };
    const answer = await this.connection.send(encodeRequest({ ...request, headers }));
    if (answer.status >= 300) throw new Error(`${request.path}: ${answer.status} ${answer.body}`);
    return answer;
  }
}

/** The request that posts a message. */
export async function postRequest(personId: string, channelId: string, text: string): Promise<Buffer> {
  return encodeRequest({
    method: 'POST',
    path: `/api/v1/channels/${channelId}/messages`,
    headers: { authorization: await authorizationOf(personId) },
    body: { text },
  });
}
