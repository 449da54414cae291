/** Names under which the parts of the process are injected. */

export const COMMAND_PIPELINE = Symbol('CommandPipeline');
export const READ_STORE = Symbol('ReadStore');
export const LOGGER = Symbol('Logger');
export const IDENTITY = Symbol('Identity');
