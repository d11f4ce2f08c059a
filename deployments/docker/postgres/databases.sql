-- Creates one database and one role per service. A role has no access to the databases of other services. PostgreSQL runs
-- this script once, on an empty data directory.
-- The passwords come from the environment of the container, not from this file.
\set ON_ERROR_STOP on

\getenv password ORDER_DATABASE_PASSWORD
create role order_service login password :'password';
create database order_service owner order_service;
revoke all on database order_service from public;

\getenv password INVENTORY_DATABASE_PASSWORD
create role inventory_service login password :'password';
create database inventory_service owner inventory_service;
revoke all on database inventory_service from public;

\getenv password PAYMENT_DATABASE_PASSWORD
create role payment_service login password :'password';
create database payment_service owner payment_service;
revoke all on database payment_service from public;

\getenv password CATALOG_DATABASE_PASSWORD
create role catalog_service login password :'password';
create database catalog_service owner catalog_service;
revoke all on database catalog_service from public;

revoke all on database postgres from public;
