// Protobuf request bodies of the few kinds that kubectl's typed commands send (`kubectl create namespace`, `secret`, …).

type Message = { readonly [field: number]: Field };
/** `?` marks an optional boolean or number; lists repeat; maps have text keys. */
type Field =
	| readonly [name: string, type: 'text' | 'bytes' | 'number' | 'boolean' | 'intOrString' | Message]
	| readonly [name: string, type: 'text' | 'bytes' | Message, many: 'list' | 'map'];

const metadata: Message = {
	1: ['name', 'text'],
	2: ['generateName', 'text'],
	3: ['namespace', 'text'],
	6: ['resourceVersion', 'text'],
	11: ['labels', 'text', 'map'],
	12: ['annotations', 'text', 'map'],
	14: ['finalizers', 'text', 'list'],
};
const rule: Message = {
	1: ['verbs', 'text', 'list'],
	2: ['apiGroups', 'text', 'list'],
	3: ['resources', 'text', 'list'],
	4: ['resourceNames', 'text', 'list'],
	5: ['nonResourceURLs', 'text', 'list'],
};
const role: Message = { 1: ['metadata', metadata], 2: ['rules', rule, 'list'] };
const binding: Message = {
	1: ['metadata', metadata],
	2: [
		'subjects',
		{ 1: ['kind', 'text'], 2: ['apiGroup', 'text'], 3: ['name', 'text'], 4: ['namespace', 'text'] },
		'list',
	],
	3: ['roleRef', { 1: ['apiGroup', 'text'], 2: ['kind', 'text'], 3: ['name', 'text'] }],
};
const labelSelector: Message = {
	1: ['matchLabels', 'text', 'map'],
	2: [
		'matchExpressions',
		{ 1: ['key', 'text'], 2: ['operator', 'text'], 3: ['values', 'text', 'list'] },
		'list',
	],
};
const container: Message = {
	1: ['name', 'text'],
	2: ['image', 'text'],
	3: ['command', 'text', 'list'],
	4: ['args', 'text', 'list'],
	6: ['ports', { 1: ['name', 'text'], 3: ['containerPort', 'number'], 4: ['protocol', 'text'] }, 'list'],
};
const podSpec: Message = { 2: ['containers', container, 'list'], 3: ['restartPolicy', 'text'] };
const template: Message = { 1: ['metadata', metadata], 2: ['spec', podSpec] };
const servicePort: Message = {
	1: ['name', 'text'],
	2: ['protocol', 'text'],
	3: ['port', 'number'],
	4: ['targetPort', 'intOrString'],
};
const resourceAttributes: Message = {
	1: ['namespace', 'text'],
	2: ['verb', 'text'],
	3: ['group', 'text'],
	5: ['resource', 'text'],
	6: ['subresource', 'text'],
	7: ['name', 'text'],
};

const messages: Readonly<Record<string, Message>> = {
	Namespace: { 1: ['metadata', metadata] },
	Secret: {
		1: ['metadata', metadata],
		2: ['data', 'bytes', 'map'],
		3: ['type', 'text'],
		4: ['stringData', 'text', 'map'],
		5: ['immutable', 'boolean'],
	},
	ConfigMap: { 1: ['metadata', metadata], 2: ['data', 'text', 'map'], 3: ['binaryData', 'bytes', 'map'] },
	ServiceAccount: { 1: ['metadata', metadata] },
	Deployment: {
		1: ['metadata', metadata],
		2: ['spec', { 1: ['replicas', 'number'], 2: ['selector', labelSelector], 3: ['template', template] }],
	},
	Service: {
		1: ['metadata', metadata],
		2: [
			'spec',
			{
				1: ['ports', servicePort, 'list'],
				2: ['selector', 'text', 'map'],
				3: ['clusterIP', 'text'],
				4: ['type', 'text'],
				10: ['externalName', 'text'],
			},
		],
	},
	Role: role,
	ClusterRole: role,
	RoleBinding: binding,
	ClusterRoleBinding: binding,
	TokenRequest: { 2: ['spec', { 1: ['audiences', 'text', 'list'], 4: ['expirationSeconds', 'number'] }] },
	SelfSubjectAccessReview: {
		2: [
			'spec',
			{
				1: ['resourceAttributes', resourceAttributes],
				2: ['nonResourceAttributes', { 1: ['path', 'text'], 2: ['verb', 'text'] }],
			},
		],
	},
	DeleteOptions: {
		2: ['preconditions', { 1: ['uid', 'text'], 2: ['resourceVersion', 'text'] }],
		5: ['dryRun', 'text', 'list'],
	},
};

const envelope: Message = {
	1: ['typeMeta', { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] }],
	2: ['raw', 'bytes'],
};

const varint = (bytes: Buffer, at: number): [value: number, next: number] => {
	let value = 0;
	for (let shift = 0, next = at; ; shift += 7) {
		const byte = bytes[next++];
		if (byte === undefined) throw new RangeError('the protobuf body ends early');
		value += (byte & 0x7f) * 2 ** shift;
		if (byte < 0x80) return [value, next];
	}
};

const read = (bytes: Buffer, message: Message): Record<string, unknown> => {
	const out: Record<string, unknown> = {};
	for (let at = 0; at < bytes.length; ) {
		const [tag, start] = varint(bytes, at);
		const wire = tag & 7;
		const field = message[Math.floor(tag / 8)];
		const [number, afterNumber] = varint(bytes, start);
		// Kubernetes' own types have nothing but varints and length-delimited fields here.
		at = wire === 0 ? afterNumber : afterNumber + number;
		if (!field) continue;
		const [name, type, many] = field;
		const value =
			wire === 0
				? type === 'boolean'
					? number !== 0
					: number
				: decodeValue(bytes.subarray(afterNumber, at), type, many);
		if (many === 'list') out[name] = [...((out[name] as unknown[]) ?? []), value];
		else if (many === 'map') out[name] = { ...(out[name] as object), ...(value as object) };
		// Go writes empty texts; JSON omits them.
		else if (value !== '') out[name] = value;
	}
	return out;
};

const decodeValue = (bytes: Buffer, type: Field[1], many: Field[2]): unknown => {
	if (many === 'map') {
		const entry = read(bytes, { 1: ['key', 'text'], 2: ['value', type as 'text'] });
		return { [String(entry['key'] ?? '')]: entry['value'] ?? '' };
	}
	if (typeof type === 'object') return read(bytes, type);
	if (type === 'intOrString') {
		const { kind, number, text } = read(bytes, {
			1: ['kind', 'number'],
			2: ['number', 'number'],
			3: ['text', 'text'],
		});
		return kind === 1 ? text : number;
	}
	return bytes.toString(type === 'bytes' ? 'base64' : 'utf8');
};

/** The body as the JSON object it stands for; `undefined` for a kind that is not known here. */
export const decodeProtobuf = (body: Buffer): Record<string, unknown> | undefined => {
	if (body.subarray(0, 4).toString('latin1') !== 'k8s\0') return undefined;
	const { typeMeta, raw } = read(body.subarray(4), envelope);
	const { kind, apiVersion } = (typeMeta ?? {}) as { kind?: string; apiVersion?: string };
	const message = messages[kind ?? ''];
	if (!message) return undefined;
	return { kind, apiVersion, ...read(Buffer.from(String(raw ?? ''), 'base64'), message) };
};
