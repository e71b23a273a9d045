/**
 * Application properties that messages of this app carry on their way through Service Bus, beside their content. Filters
 * of subscriptions (`local/service-bus/Config.json`) name some of them.
 */

/** The id under which the message was first sent. A copy has one of its own, which duplicate detection lets through. */
export const ORIGINAL_MESSAGE_ID = 'originalMessageId';

/** The dead letter that the message was. */
export const REDRIVE_OF = 'redriveOf';

/**
 * The one subscription that the message is for. Nobody can send to a subscription, only to its topic: the rules of all
 * subscriptions leave such a message alone, but for the rule of the one that is named.
 */
export const REDRIVE_TO = 'redriveTo';
