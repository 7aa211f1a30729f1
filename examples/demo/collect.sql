-- Takes in what the recorder knows (truth), what sha256sum says of each file that a row names (sums) and what lies on
-- the volumes (files). Prints the paths of what must be muxed files: screens that no recorder made.
set client_min_messages = warning;
drop schema if exists demo cascade;
create schema demo;

create table demo.line (truth json not null);
copy demo.line from :'truth' with (format csv, delimiter e'\x02', quote e'\x01');
create table demo.sum (sha256 text not null, path text not null);
copy demo.sum from :'sums';
create table demo.file (bytes bigint not null, path text not null);
copy demo.file from :'files';

create table demo.recording as
select (truth ->> 'id')::bigint as source_id, truth ->> 'sid' as sid, (truth ->> 'isPair')::boolean as is_pair,
    (truth ->> 'seconds')::integer as seconds, (truth ->> 'complete')::bigint as complete, truth -> 'external' as external
from demo.line
where (truth ->> 'arrives')::boolean;

create table demo.media as
select truth ->> 'sid' as sid, media ->> 'kind' as kind, media ->> 'sha256' as sha256,
    media ->> 'encryption' <> 'none' as is_encrypted
from demo.line, json_array_elements(truth -> 'media') as media
where (truth ->> 'arrives')::boolean;

-- What the replay holds: its rows, with the digest of the file that each names (none where there is no file).
create table demo.held as
select f.id, c.sid, f.cftype as kind, f.cfpath as path, s.sha256,
    extract(epoch from pg_xact_commit_timestamp(f.xmin)) * 1000000 as committed,
    exists (select from demo.media m where (m.sid, m.kind, m.sha256) = (c.sid, f.cftype, s.sha256)) as is_original
from callrec.cfiles f
join callrec.couples c on c.id = f.cplid
left join demo.sum s on s.path = f.cfpath;

select path from demo.held where kind = 'VIDEO' and not is_original and sha256 is not null order by id;
