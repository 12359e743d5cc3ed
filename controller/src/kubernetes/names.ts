// The naming rules of Kubernetes, for checks before any request.

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const SECRET_KEY = /^[-._a-zA-Z0-9]+$/;

/** The value of a label, except the empty one: at most 63 characters. */
export const LABEL_VALUE = /^[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

/** Namespaces: a DNS-1123 label, at most 63 characters. */
export const isNamespace = (text: string): boolean => text.length <= 63 && DNS_LABEL.test(text);

/** Names of Secrets: a DNS-1123 subdomain, at most 253 characters. */
export const isSecretName = (text: string): boolean =>
	text.length <= 253 && text.split('.').every(label => DNS_LABEL.test(label));

/** A text that may be the value of a label, and is not empty. */
export const isLabelValue = (text: string): boolean => LABEL_VALUE.test(text);

/** Keys of a Secret; `__proto__` is a legal one. */
export const isSecretKey = (text: string): boolean =>
	text.length <= 253 && SECRET_KEY.test(text) && text !== '.' && !text.startsWith('..');
