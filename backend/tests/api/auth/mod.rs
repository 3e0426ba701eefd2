mod login;
mod logout;
mod me;
mod password;
mod refresh;
