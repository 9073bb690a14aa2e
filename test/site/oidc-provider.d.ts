/** The part of the package that the tests use; it comes without types. */
declare module 'oidc-provider' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface AccessToken {
    readonly accountId: string
    readonly isValid: boolean
    /** SHA-256 thumbprint of the key that it is bound to (RFC 9449). */
    readonly jkt?: string
  }

  export default class Provider extends EventEmitter {
    constructor(issuer: string, configuration: object)
    readonly AccessToken: { find(value: string): Promise<AccessToken | undefined> }
    callback(): (req: IncomingMessage, res: ServerResponse) => Promise<void>
  }
}
